import ArgumentParser

struct Sample: ParsableCommand { func run() throws {} }
