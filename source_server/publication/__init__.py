"""The published documents, their selection, and the interface of the catalogues behind them."""
