"""The program as its users have it: started as a process, spoken to over HTTP, killed."""
