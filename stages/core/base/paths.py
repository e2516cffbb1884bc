"""Files that several stages share. A file that only one stage uses is named there."""

from pathlib import Path

POOL = Path("data/pool.jsonl")
SOURCE_LABELS = Path("data/source_labels.npy")
ANSWERS = Path("data/answers.npy")
HOLDOUT = Path("data/holdout.jsonl")
SOURCE_HOLDOUT_LABELS = Path("data/source_holdout_labels.npy")
HOLDOUT_LABELS = Path("data/holdout_labels.npy")
CLASSES = Path("data/classes.json")
COUNTS = Path("data/prepare.json")
DROPPED = Path("data/dropped.json")
EMBEDDINGS = Path("data/embeddings/pool.npy")
HOLDOUT_EMBEDDINGS = Path("data/embeddings/holdout.npy")
NAMES = Path("data/names")
PHRASES = NAMES / "phrases.safetensors"
NAMES_MODEL = NAMES / "model"
NAMED = NAMES / "predicted.npy"
PEOPLE = Path("data/asked/people.json")
MAP = Path("data/map")
REDUCED = Path("data/reduced.npy")
CLUSTERS = Path("data/clusters.npy")
PLOTS = Path("data/plots")
ANSWERED = Path("data/model/answered.json")
ENCODER = Path("data/encoder")
POINTER = ENCODER / "pointer.json"  # the name of a model, in place of the model
CLASSIFIER, WEIGHTS = "classifier.json", "model.safetensors"  # in the folder of a trained model
