"""Search bodies of platforms, made by small generators that follow their query builders."""
