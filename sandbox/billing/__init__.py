"""What Stripe does by itself: charging, invoicing, collecting, renewing, and all of it as the clock moves."""
