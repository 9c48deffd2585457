import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.RemoteJWKSet;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URL;

/** Verifies a token with a key set: Verify URL TOKEN ALG. */
public class Verify {
    public static void main(String[] arguments) throws Exception {
        JWKSource<SecurityContext> keys = new RemoteJWKSet<>(new URL(arguments[0]));
        DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
        processor.setJWSKeySelector(
            new JWSVerificationKeySelector<>(JWSAlgorithm.parse(arguments[2]), keys));
        System.out.println(processor.process(arguments[1], null).getSubject());
    }
}
