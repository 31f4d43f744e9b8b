/// Version of Saddle, as checkpoints and `saddle --version` carry it.
public let saddleVersion = "0.1.0"
