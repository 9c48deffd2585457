set ASSERTION=«assertion»
