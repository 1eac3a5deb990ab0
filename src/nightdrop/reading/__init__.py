"""model="local": structured invoices read exactly, labelled forms by their labels; nothing is invented."""
