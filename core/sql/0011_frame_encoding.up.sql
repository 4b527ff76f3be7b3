ALTER TABLE nfcs_core.nfcs_fields ADD COLUMN frame_encoding varchar(10);
COMMENT ON COLUMN nfcs_core.nfcs_fields.frame_encoding IS
    'lossless, float16 or quantised, with a head of its own; null: complex64, little-endian, row-major.';
COMMENT ON COLUMN nfcs_core.nfcs_fields.frame IS
    'The field, packed as frame_encoding says; null where only scalars were kept.';

-- The head of an encoded frame: NFCF, version, type, then one byte each for the encoding and the dimensions.
ALTER TABLE nfcs_core.nfcs_fields
    DROP CONSTRAINT nfcs_fields_frame_size_ck,
    ADD CONSTRAINT nfcs_fields_frame_encoding_ck CHECK (
        CASE frame_encoding
            WHEN 'lossless' THEN frame IS NOT NULL AND substring(frame FOR 4) = '\x4e464346'
                AND substring(frame FROM 7 FOR 2) = decode('000' || ndim, 'hex')
            WHEN 'float16' THEN frame IS NOT NULL AND substring(frame FOR 4) = '\x4e464346'
                AND substring(frame FROM 7 FOR 2) = decode('010' || ndim, 'hex')
            WHEN 'quantised' THEN frame IS NOT NULL AND substring(frame FOR 4) = '\x4e464346'
                AND substring(frame FROM 7 FOR 2) = decode('020' || ndim, 'hex')
            ELSE frame_encoding IS NULL
                AND (frame IS NULL OR octet_length(frame) = 8 * (resolution::bigint ^ ndim)::bigint)
        END);
