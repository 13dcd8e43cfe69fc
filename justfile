# Short names for the commands that people use most. `just` alone lists them.

_default:
    @just --list --unsorted

# serve on http://127.0.0.1:8080, with data in ./data
run *ARGS:
    cargo run --release -- {{ ARGS }}

# run every check, or with NAME only the tests whose path contains it
test *NAME:
    ./tests/run {{ if NAME == "" { "" } else { "--quick " + NAME } }}

# measure: every scenario on this machine, in one table (see loadtest/README.md)
bench *ARGS:
    cargo build --release
    cargo run --release -p loadtest -- bars {{ ARGS }}

# write the schema, the TypeScript types and the reference again, after a change in protocol/
gen:
    cargo run -p taskwire-protocol --bin generate
