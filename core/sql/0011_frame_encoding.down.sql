-- Refused, by the name of the constraint, where encoded frames are stored: nothing here could unpack them.
ALTER TABLE nfcs_core.nfcs_fields
    DROP CONSTRAINT nfcs_fields_frame_encoding_ck,
    ADD CONSTRAINT nfcs_fields_frame_size_ck CHECK (octet_length(frame) = 8 * (resolution::bigint ^ ndim)::bigint);

COMMENT ON COLUMN nfcs_core.nfcs_fields.frame IS
    'The field, complex64 little-endian in row-major order; null where only scalars were kept.';
ALTER TABLE nfcs_core.nfcs_fields DROP COLUMN frame_encoding;
