"""The trained model, from Python. Run this in the project's folder, or put the folder on PYTHONPATH.

from gleaner import load

model = load("data/model")
model.predict(["a text"])          # names of classes; None below params predict.abstain, and for a blank text
model.predict_proba(["a text"])    # float32 [texts, classes], columns as in model.classes_; NaN for a blank text
"""

from stages.core.base.errors import Refused
from stages.core.prediction.predictor import Predictor, load

__all__ = ["Predictor", "Refused", "load"]
