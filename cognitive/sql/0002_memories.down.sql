DROP TRIGGER memory_experiences_guard ON cognitive.memory_experiences;
DROP FUNCTION cognitive.guard_memory_v1();
DROP TRIGGER memory_retrievals_append_only ON cognitive.memory_retrievals;
DROP TRIGGER memory_retrievals_count ON cognitive.memory_retrievals;
DROP FUNCTION cognitive.count_retrieval_v1();
ALTER TABLE cognitive.memory_experiences
    DROP CONSTRAINT memory_experiences_embedding_ck,
    DROP CONSTRAINT memory_experiences_context_ck;
