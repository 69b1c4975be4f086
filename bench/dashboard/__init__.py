"""How smoothly the dashboard is drawn."""
