from .build import Case as Case, load as load
from .file import read_source as read_source
from .gallery import gallery_configs as gallery_configs, text_for as text_for, told_by as told_by
from .json_schema import schema as schema
from .mistakes import ConfigError as ConfigError, Mistakes as Mistakes, read_tables as read_tables
from .tables import Config as Config
from .toml_text import KeyPath as KeyPath, show as show, text_value as text_value
