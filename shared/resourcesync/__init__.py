"""The wire format of the openBIS sync: writes and reads its documents. Only this package uses
lxml."""
