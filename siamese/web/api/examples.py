"""What requests and answers look like, for the API's description: one made-up example of each."""

from typing import Any

Example = dict[str, Any]

# A grey pixel, PNG: short enough to be read here. Send a photo's file instead.
PHOTO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="

READ: Example = {"photo": PHOTO, "whole": True}
COMPARE: Example = {"first": PHOTO, "second": PHOTO, "first_face": 0, "second_face": 0, "whole": True}
SIMILAR: Example = {"photo": PHOTO, "k": 3, "emotion": "happiness", "whole": True}
TEACH: Example = {"name": "smirk", "photos": [PHOTO, PHOTO, PHOTO], "anyway": False}
ADD: Example = {"photo": PHOTO, "emotion": "surprise", "source": "holiday", "tags": ["mine"], "whole": True}

_FACE: Example = {
    "emotion": "happiness",
    "confidence": 0.94,
    "probabilities": {"happiness": 0.94, "neutral": 0.05, "surprise": 0.01},
    "similarities": {"happiness": 0.88, "neutral": 0.21, "surprise": 0.1},
    "box": [412.5, 120.0, 498.0, 231.5],
    "landmarks": {
        "left eye": [435.0, 160.0],
        "right eye": [474.0, 161.0],
        "nose": [455.0, 184.0],
        "left mouth corner": [438.0, 205.0],
        "right mouth corner": [471.0, 206.0],
    },
    "whole_picture": False,
}
FACES: Example = {"faces": [_FACE]}
COMPARED: Example = {
    "similarity": 0.81,
    "probability": 0.87,
    "same_expression": True,
    "threshold": 0.52,
    "first": _FACE,
    "second": _FACE,
}
NEIGHBOURS: Example = {
    "neighbours": [
        {"id": "3f2a", "emotion": "happiness", "similarity": 0.93, "source": "beach.jpg", "labelled_by": "folder"}
    ]
}
LESSON: Example = {
    "name": "smirk",
    "agreements": [0.91, 0.88, 0.93],
    "nearest": "contempt",
    "nearest_similarity": 0.62,
    "doubts": [],
}
_ITEM: Example = {
    "id": "3f2a",
    "emotion": "surprise",
    "source": "holiday",
    "labelled_by": "hand",
    "notes": {},
    "tags": ["mine"],
    "box": [412.5, 120.0, 498.0, 231.5],
    "content": "9c1185a5c5e9fc54",
}
EXAMPLES: Example = {"gallery": "my-gallery", "count": 1, "page": 1, "examples": [_ITEM]}
ADDED: Example = {"examples": [_ITEM]}
EMBEDDED_FACES: Example = {
    "network": "ecc67e45f0a5",
    "faces": [{"box": [412.5, 120.0, 498.0, 231.5], "embedding": [0.6, 0.0, -0.8]}],
}
PROBLEM: Example = {
    "type": "about:blank",
    "title": "There is no such face in the photo",
    "status": 422,
    "detail": "No face was found in this photo. Try one in which the face is larger.",
    "code": "no-face",
    "lesson": None,
    "request_id": "0b9e4c1f6a7d4e0e8f0d3a5b7c9d1e2f",
}
