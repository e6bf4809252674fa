"""`mongodriver doctor`: what stands between this machine and a deployment, step by step.

    cli          the command line, its exit status
    examine      a whole deployment: its names, its hosts side by side, what the driver makes of it
    host         one host: DNS, TCP, TLS, hello, login, roles, latency
    network      reaching a host, and finding out what a port speaks
    certificate  what a certificate says
    report       the findings as values, and as JSON
    text         the findings for humans
    secrets      what is never shown

It uses the driver's own parts, from the parser of connection strings to the login; so what works
here works there.
"""
