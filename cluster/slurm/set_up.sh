set -euo pipefail

sweep=$sweep
out=$out
dfkd=$dfkd
requeue=$requeue
ray="$$(dirname "$$dfkd")/ray"
python="$$(dirname "$$dfkd")/python"
