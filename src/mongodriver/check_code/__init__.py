"""`mongodriver check-code`: what a program uses of PyMongo that is gone, deprecated or private.

    cli          the command line, its exit status
    tree         the files below paths
    source       from files and notebooks to syntax trees
    project      the modules that are checked together, and what they import of one another
    module       one module: its statements, in order
    definitions  its functions and classes
    imports      its imports
    expressions  what an expression stands for
    members      what attributes and items are
    calls        what calls give
    annotations  what an annotation stands for
    scopes       which name stands for what
    values       what names and expressions can stand for
    kinds        the classes whose objects are followed, and what their members give
    guards       branches for other versions of PyMongo
    versions     comparisons with a version of PyMongo
    rules        what is wrong with a use
    installed    what this distribution offers, found out by asking it
    remedies     what PyMongo has given up, and what to write instead
    findings     a finding
    report       findings as text, JSON, and commands of GitHub's runners

A program is read, never imported or run. What cannot be followed is not reported: a method named
`count` counts only where it is seen to be one of a collection.
"""
