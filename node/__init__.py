"""One Jira-like node: a process that joins a cluster through the shared database and serves users over HTTP."""
