DROP TRIGGER users_follow_role ON user_mgmt.users;
DROP FUNCTION user_mgmt.follow_role_v1();
ALTER TABLE user_mgmt.users DROP CONSTRAINT users_password_hash_ck;
DROP TRIGGER update_timestamp ON user_mgmt.users;
