SELECT nfcs_core.end_audit_of_v1(name::regclass)
FROM unnest('{cognitive.cognitive_sessions, cognitive.consciousness_records, cognitive.memory_experiences,
              cognitive.memory_retrievals, cognitive.consciousness_snapshots}'::text[]) name;
