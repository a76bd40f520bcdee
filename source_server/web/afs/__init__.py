"""The application file service (AFS) for harvesters of openBIS 7: what they need to read files of
samples and experiments. The forms of calls and answers are openBIS's own; see docs/format.md."""
