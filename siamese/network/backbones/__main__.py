"""Every backbone → one Markdown table of its parameters, features and multiply-adds.

python -m siamese.network.backbones
"""

import torch
from torch.utils.flop_counter import FlopCounterMode

from siamese.faces.align import INPUT_SIZE
from siamese.network.backbones import BACKBONES


def cost(name: str) -> tuple[int, int, int]:
    """Parameters, features, and multiply-adds of the convolutions for one crop."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:  # shapes alone: nothing is computed
        backbone = BACKBONES[name]().eval()
        backbone(torch.empty(1, 1, INPUT_SIZE, INPUT_SIZE))
    parameters = sum(weights.numel() for weights in backbone.parameters())
    return parameters, backbone.features, counter.get_total_flops() // 2


def table() -> str:
    """The table as Markdown."""
    lines = ["| backbone | parameters | features | multiply-adds a crop |", "| --- | ---: | ---: | ---: |"]
    for name in BACKBONES:
        parameters, features, additions = cost(name)
        lines.append(f"| `{name}` | {parameters / 1e6:.2f} M | {features:,} | {additions / 1e6:,.0f} M |")
    return "\n".join(lines)


_PAGE = """\
## Backbones

```sh
python -m siamese.network.backbones > docs/results/backbones.md
```

{table}"""

if __name__ == "__main__":
    print(_PAGE.format(table=table()))
