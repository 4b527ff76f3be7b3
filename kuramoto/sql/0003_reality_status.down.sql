DROP VIEW kuramoto.reality_status_view;
