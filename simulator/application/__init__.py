"""Another application in the place of Jira (``node`` of a scenario): its processes, and how they are looked at."""
