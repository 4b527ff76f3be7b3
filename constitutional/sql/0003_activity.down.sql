DROP VIEW constitutional.user_activity_view;
