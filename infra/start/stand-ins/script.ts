// Stands for migrations and seed: does nothing, successfully.
