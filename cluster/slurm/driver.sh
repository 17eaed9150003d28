driver=
trap '[ -z "$$driver" ] || kill -TERM "$$driver" 2>/dev/null || true' TERM

"$$dfkd" sweep run "$$sweep" --out "$$out" --or-resume --address "$$address" --yes &
driver=$$!
status=0
wait "$$driver" || status=$$?
# a signal ends the first wait, not the driver: it finishes its epochs
while kill -0 "$$driver" 2>/dev/null; do
    status=0
    wait "$$driver" || status=$$?
done
