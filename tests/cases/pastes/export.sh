export ASSERTION=«assertion»
