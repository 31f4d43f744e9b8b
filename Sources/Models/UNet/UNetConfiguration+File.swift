import WeightFiles

extension UNetConfiguration {
    /// Reads `config.json` of a diffusers directory.
    ///
    /// - Throws: `ModelFilesError` that names the key that is invalid, or that asks for what Saddle has not.
    public init(_ component: ComponentDirectory) throws {
        try self.init(component.configuration(UNetFile.self), path: "\(component.path)/config.json")
    }

    /// - Parameter path: of the file, for errors.
    init(_ file: UNetFile, path: String) throws {
        func invalid(_ key: UNetFile.Key, _ reason: String) -> ModelFilesError {
            .invalid(path: path, reason: "\(key.rawValue): \(reason)")
        }
        if let refused = file.refused {
            throw ModelFilesError.unsupported(
                path: path, what: "\(refused.key) is \(refused.value)",
                advice: "Saddle runs the UNets of Stable Diffusion 1 and 2, which have \(refused.expected).")
        }
        let count = file.channels.count
        guard (1...ModelLimit.levels).contains(count) else {
            throw invalid(.channels, "\(count) levels, expected 1 to \(ModelLimit.levels)")
        }
        guard file.channels.allSatisfy((1...ModelLimit.size).contains) else {
            throw invalid(.channels, "expected widths in 1...\(ModelLimit.size), got \(file.channels)")
        }
        guard file.downBlocks.count == count, file.upBlocks.count == count else {
            throw invalid(
                .downBlocks,
                "\(file.downBlocks.count) blocks down and \(file.upBlocks.count) up for \(count) widths")
        }
        func each<Value>(_ key: UNetFile.Key, _ values: OneOrMany<Value>) throws -> [Value] {
            guard let all = values.values(count) else {
                throw invalid(key, "expected one value or \(count), got \(values)")
            }
            return all
        }
        let layers = try each(.layers, file.layers)
        let transformerLayers = try each(.transformerLayers, file.transformerLayers)
        let heads = try each(.heads, file.heads)
        let contexts = try each(.context, file.context)
        let crossOnly = try each(.crossAttentionOnly, file.crossAttentionOnly)
        self.init(
            levels: file.channels.indices.map { index in
                var level = Level(
                    channels: file.channels[index], layers: layers[index],
                    hasAttentionDown: file.downBlocks[index] == .crossAttention,
                    hasAttentionUp: file.upBlocks[count - 1 - index] == .crossAttention,
                    context: contexts[index])
                level.transformerLayers = transformerLayers[index]
                level.heads = heads[index]
                level.hasCrossAttentionOnly = crossOnly[index]
                return level
            })
        (inChannels, outChannels) = (file.inChannels, file.outChannels)
        hasMidBlock = file.hasMidBlock
        (groups, epsilon) = (file.groups, file.epsilon)
        usesLinearProjection = file.usesLinearProjection
        centersInput = file.centersInput
        (putsCosinesFirst, frequencyShift) = (file.putsCosinesFirst, file.frequencyShift)
        timeWidth = file.timeWidth ?? timeWidth
        (inputKernel, outputKernel) = (file.inputKernel, file.outputKernel)
        if let (key, reason) = misfit { throw invalid(key, reason) }
    }

    /// The first key whose value does not go with the others.
    private var misfit: (UNetFile.Key, String)? {
        let sizes: [(UNetFile.Key, [Int])] = [
            (.inChannels, [inChannels]), (.outChannels, [outChannels]), (.groups, [groups]),
            (.timeWidth, [timeWidth]), (.heads, levels.map(\.heads)), (.context, levels.map(\.context)),
        ]
        for (key, values) in sizes where !values.allSatisfy((1...ModelLimit.size).contains) {
            return (key, "expected numbers in 1...\(ModelLimit.size), got \(values)")
        }
        let counts: [(UNetFile.Key, [Int])] = [
            (.layers, levels.map(\.layers)), (.transformerLayers, levels.map(\.transformerLayers)),
        ]
        for (key, values) in counts where !values.allSatisfy((1...ModelLimit.layers).contains) {
            return (key, "expected numbers in 1...\(ModelLimit.layers), got \(values)")
        }
        for (key, kernel) in [(UNetFile.Key.inputKernel, inputKernel), (.outputKernel, outputKernel)]
        where !(1...ModelLimit.kernel).contains(kernel) || kernel.isMultiple(of: 2) {
            return (key, "expected an odd kernel up to \(ModelLimit.kernel), got \(kernel)")
        }
        for level in levels where !level.channels.isMultiple(of: groups) {
            return (.groups, "\(level.channels) channels do not fall into \(groups) groups")
        }
        for level in levels where !level.channels.isMultiple(of: level.heads) {
            return (.heads, "\(level.channels) channels do not fall into \(level.heads) heads")
        }
        guard epsilon > 0, epsilon.isFinite else {
            return (.epsilon, "expected a positive number, got \(epsilon)")
        }
        guard levels[0].channels.isMultiple(of: 2) else {
            return (.channels, "\(levels[0].channels) is odd, which a time embedding cannot be")
        }
        let frequencies = levels[0].channels / 2
        guard frequencyShift < Double(frequencies) else {
            return (
                .frequencyShift, "expected less than \(frequencies), the frequencies, got \(frequencyShift)"
            )
        }
        return nil
    }
}
