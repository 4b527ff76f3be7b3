ALTER TABLE cognitive.consciousness_records
    DROP CONSTRAINT consciousness_records_channels_ck,
    DROP CONSTRAINT consciousness_records_communities_ck,
    DROP CONSTRAINT consciousness_records_versions_ck;
DROP TRIGGER update_timestamp ON cognitive.consciousness_records;
DROP TABLE cognitive.consciousness_snapshots;
