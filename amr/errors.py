"""The one exception that a wrong setting raises, wherever it is found."""


class InvalidSettingError(ValueError):
    """A setting that cannot work, with the name of the setting that is wrong.

    **Attributes:**

    - `key`: the argument's name (`"patch"`), which is also the key in a config's table.
    - `message`: what was found, what was expected, and what to do.
    """

    def __init__(self, key: str, message: str):
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message
