module runner.dev/sdk

go 1.26
