"""What a service does by itself: queued runs, schedules, webhooks, notifications, retention."""
