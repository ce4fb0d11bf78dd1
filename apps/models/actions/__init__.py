"""What people and requests may do with models. An action checks, writes and lets the orders go
out, all in one transaction on the launch's row; what gets lost on the way is made up for by the
control plane."""
