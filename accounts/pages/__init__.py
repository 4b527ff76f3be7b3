"""Pages of the admin around signing in; apart from `accounts.admin`, as the site itself is made of them."""
