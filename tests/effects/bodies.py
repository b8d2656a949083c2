"""What tests perform effects with."""


def plus(fx, effect, n):
    """A body that performs the effect and adds n."""
    @fx.do
    def body():
        return (yield effect) + n

    return body()
