"""The machines of the cluster, seen from the control plane: asked, joined, set aside."""
