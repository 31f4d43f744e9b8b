extension Tensor {
    /// Every pixel `factor` × `factor` times: nearest-neighbour enlargement of images.
    ///
    /// - Shapes: self `[N, H, W, C]`, result `[N, factor · H, factor · W, C]`.
    public func upsampled(by factor: Int = 2) -> Tensor {
        precondition(
            shape.rank == 4 && factor > 0, "upsampled: needs images and a positive factor, got \(shape)")
        let (images, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        return reshaped(images, height, 1, width, 1, channels)
            .broadcast(to: [images, height, factor, width, factor, channels])
            .reshaped(images, factor * height, factor * width, channels)
    }
}
