$assertion = "«assertion»"
