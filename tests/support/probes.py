"""Small tools to watch what a copy does: errors as values, and classes that write down what is asked of them."""


def raised(function, *args, **kwargs):
    """(type, text) of the exception that a call raises; fails if it raises none."""
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        return type(error), str(error)
    raise AssertionError(f"no exception, but {result!r}")


def outcome(function, *args, **kwargs):
    """("result", value) or ("raised", type, text): for calls of which either is an answer."""
    try:
        return "result", function(*args, **kwargs)
    except Exception as error:
        return "raised", type(error), str(error)


def traced(log, **members):
    """A class without __getattr__ whose instances write each attribute that is asked of them into `log`.

    Names found go in as they are, names not found with a question mark in front. `members` become class attributes.
    """
    def __getattribute__(self, name):
        try:
            value = object.__getattribute__(self, name)
        except AttributeError:
            log.append("?" + name)
            raise
        log.append(name)
        return value

    return type("Traced", (), {"__getattribute__": __getattribute__, **members})


class Hook:
    """A leaf whose __deepcopy__ writes its label into a log, and may do more: `action(self, memo)` gives the copy."""

    def __init__(self, label, log, action=None):
        self.label = label
        self.log = log
        self.action = action

    def __deepcopy__(self, memo):
        self.log.append(self.label)
        if self.action is not None:
            return self.action(self, memo)
        return self

    def __repr__(self):
        return f"<{self.label}>"


class Then:
    """A leaf whose copy runs `action(memo)`."""

    def __init__(self, action):
        self.action = action

    def __deepcopy__(self, memo):
        self.action(memo)
        return self


class Reduces:
    """An object whose __reduce_ex__ gives exactly the value it was made with."""

    def __init__(self, value):
        self.value = value

    def __reduce_ex__(self, protocol):
        return self.value
