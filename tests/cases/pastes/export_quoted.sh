$ export CLIENT_ASSERTION="«assertion»"
