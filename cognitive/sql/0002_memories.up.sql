ALTER TABLE cognitive.memory_experiences
    ADD CONSTRAINT memory_experiences_context_ck CHECK (jsonb_typeof(context_data) = 'object'),
    -- The cosine distance of a zero vector is NaN.
    ADD CONSTRAINT memory_experiences_embedding_ck CHECK (vector_norm(embedding) > 0);

-- Every recall counts once, whoever writes it and however many at a time.
CREATE FUNCTION cognitive.count_retrieval_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cognitive.memory_experiences
    SET retrieval_count = retrieval_count + 1,
        last_accessed = greatest(last_accessed, NEW.retrieved_at),
        last_recalled_at = CASE WHEN NEW.success THEN greatest(last_recalled_at, NEW.retrieved_at)
                                ELSE last_recalled_at END
    WHERE id = NEW.experience_id;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION cognitive.count_retrieval_v1() IS
    'Trigger: keeps retrieval_count, last_accessed and last_recalled_at of a memory.';
CREATE TRIGGER memory_retrievals_count AFTER INSERT ON cognitive.memory_retrievals
    FOR EACH ROW EXECUTE FUNCTION cognitive.count_retrieval_v1();
CREATE TRIGGER memory_retrievals_append_only BEFORE UPDATE OR DELETE ON cognitive.memory_retrievals
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();

-- Written by the trigger above alone: in a statement of anybody else the depth of triggers is 1.
CREATE FUNCTION cognitive.guard_memory_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 AND (NEW.retrieval_count, NEW.last_accessed, NEW.last_recalled_at) IS DISTINCT FROM (
        CASE TG_OP WHEN 'UPDATE' THEN OLD.retrieval_count ELSE 0 END,
        CASE TG_OP WHEN 'UPDATE' THEN OLD.last_accessed END,
        CASE TG_OP WHEN 'UPDATE' THEN OLD.last_recalled_at END) THEN
        RAISE EXCEPTION 'recalls of memory % are counted in memory_retrievals', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'memory_experiences_recalls_derived',
                  TABLE = 'memory_experiences';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION cognitive.guard_memory_v1() IS
    'Trigger: count and times of recalls follow memory_retrievals and are never written directly.';
CREATE TRIGGER memory_experiences_guard BEFORE INSERT OR UPDATE ON cognitive.memory_experiences
    FOR EACH ROW EXECUTE FUNCTION cognitive.guard_memory_v1();
