"""The study: is DFKD better than its controls, from which start, and what do its settings cost?"""
