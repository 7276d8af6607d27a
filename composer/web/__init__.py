"""The composer in the browser: a Gradio app around a canvas."""
