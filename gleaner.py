"""The trained model, from Python: run from the project's folder, or with it in PYTHONPATH.

from gleaner import load

model = load("data/model")
model.predict(["a text"])          # names of classes; None below params predict.abstain
model.predict_proba(["a text"])    # float32 [texts, classes], columns as in model.classes_
"""

from stages.core.base.errors import Refused
from stages.core.prediction.predictor import Predictor, load

__all__ = ["Predictor", "Refused", "load"]
