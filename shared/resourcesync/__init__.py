"""The wire format of the openBIS sync: values to bytes, bytes to values. lxml lives only here."""
