"""Reports: what a judgement says, written for people, for programs and for the tools of a CI."""
