"""The stages of the pipeline, one file each; `python -m stages NAME` runs one."""
