import Testing
import Union

@Test("the core compiles as ordinary Swift")
func compiles() {}
