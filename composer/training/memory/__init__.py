"""The memory that a training takes: counted, forecast, compared with what there is."""
